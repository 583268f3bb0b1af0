"""The typed configuration: what stands in the YAML files, checked once and handed down."""
