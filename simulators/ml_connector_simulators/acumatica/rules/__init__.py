"""What the forms behind the entities do with what is written to them."""
