"""Delivery: the engine, the outbox, the outcomes. A target connector implements `sink.Sink`; the rest is here."""
