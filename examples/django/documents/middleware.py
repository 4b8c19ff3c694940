from urllib.parse import urlsplit

from django.conf import settings


def content_security_policy(get_response):
    """Pages take scripts and styles from their own host alone, and from the media host what is to be seen."""
    media = urlsplit(settings.MEDIA_URL)
    # 'self' too: on its way to a token, a request for media passes through this host.
    sources = f"'self' {media.scheme}://{media.netloc}" if media.netloc else "'self'"
    policy = "; ".join(
        [
            "default-src 'self'",
            f"img-src {sources}",
            # Players in JavaScript fetch a film's pieces themselves, and hand them to the browser as a blob.
            f"connect-src {sources}",
            f"media-src {sources} blob:",
            f"frame-src {sources}",
            # The sign-in form may end at a file: browsers hold its redirects to this as well.
            f"form-action {sources}",
            "frame-ancestors 'self'",
            "object-src 'none'",
            "base-uri 'none'",
        ]
    )

    def middleware(request):
        response = get_response(request)
        response.headers["Content-Security-Policy"] = policy
        return response

    return middleware
