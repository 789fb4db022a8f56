"""What several connectors of one vendor share: the connection, its settings, its errors, its values."""
