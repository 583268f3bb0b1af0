"""Values and rules. Imports numpy and the standard library, nothing else."""
