"""One camera: sources, capture, motion, tracking, pipeline, outbox, actor."""
