"""Who sent a delivery, and which one it is: signatures of webhooks, without a clock or secrets of its own."""
