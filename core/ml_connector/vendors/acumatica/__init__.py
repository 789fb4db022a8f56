"""What our connectors of Acumatica share."""
