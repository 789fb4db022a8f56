"""What a run would do, kept as a file that a later run can be held to."""
