"""One HTTP client for taps and targets."""
