"""Settings of the example application behind an nginx that ends TLS."""

from variants.settings import *  # noqa: F403

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
