"""Application `detector`: the model."""
