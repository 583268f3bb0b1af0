"""Ray Serve applications: what answers requests."""
