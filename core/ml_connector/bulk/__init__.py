"""The bulk shape of delivery: whole batches are loaded and accounted for; only what is refused is kept by record."""
