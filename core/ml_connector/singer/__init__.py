"""Our Tap, Stream and Target on top of the Singer SDK."""
