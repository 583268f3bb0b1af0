"""What the deployments stand on: cameras, safety rules, storage, telemetry, settings."""
