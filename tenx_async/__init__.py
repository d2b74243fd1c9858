"""An asyncio client for the TenxCloud v1 services API."""

__version__ = "0.1.0"
