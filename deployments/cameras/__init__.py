"""Application `cameras`: supervisor and recorder."""
