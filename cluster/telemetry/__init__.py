"""Logs and metrics, declared once for every process."""
