"""A statement's page as PDF, by WeasyPrint: it comes with the extra `pdf`, which not everybody needs."""

from __future__ import annotations


class NoPdf(RuntimeError):
    """WeasyPrint, or a library of the system that it draws with, is not installed."""


def demand_weasyprint() -> None:
    """NoPdf, saying what to install, where no PDF can be made."""
    try:
        import weasyprint  # noqa: F401
    except ImportError:
        raise NoPdf(
            "WeasyPrint is not installed; install it: pip install 'creator-bonus[pdf]'"
        ) from None
    except OSError as error:
        raise NoPdf(
            f"WeasyPrint finds no Pango ({error}); install it, on Debian:"
            " apt-get install libpango-1.0-0 libpangoft2-1.0-0"
        ) from None


def pdf_of(page: bytes) -> bytes:
    """The page on sheets of A4; it needs no address, so none is fetched. NoPdf as above."""
    demand_weasyprint()
    import weasyprint

    nothing = weasyprint.urls.URLFetcher(allowed_protocols=[], fail_on_errors=True)
    content: bytes = weasyprint.HTML(string=page.decode(), url_fetcher=nothing).write_pdf()
    return content
