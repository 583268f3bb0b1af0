"""What the command `safe-yolo` does: start a one-node Ray, roll the site out, check, show and stop it."""
