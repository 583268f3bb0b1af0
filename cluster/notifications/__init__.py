"""The road of a safety event to a person: what is to be told whom and when, in which words, and by which channel."""
