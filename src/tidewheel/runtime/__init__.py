"""Wiring between the control side and user code: settings, the protocol, the instance."""
