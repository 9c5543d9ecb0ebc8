"""A temporary certificate authority for ``--tls``, created with the server and deleted with it."""

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from batchrun.extras import missing_extra

__all__ = ["Certificates"]


class Certificates:
    """A throw-away authority, and a server certificate for ``host`` and the loopback names.

    Raises:
        UsageError: the extra that creates certificates is not installed.

    """

    def __init__(self, host: str) -> None:
        try:
            import trustme  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            raise missing_extra(error, extra="tls", wanted_by="--tls") from None
        authority = trustme.CA()
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", host))
        self.server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*names).configure_cert(self.server_context)
        self._directory = TemporaryDirectory(prefix="batchrun-emulator-")
        self.ca_file = Path(self._directory.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))

    def close(self) -> None:
        """Delete the authority's certificate."""
        self._directory.cleanup()
