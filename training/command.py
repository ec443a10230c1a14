"""The training programs' entrance."""

from collections.abc import Callable

from safetensors import SafetensorError

from schemas.errors import HubError


def command(main: Callable[[], None]) -> None:
    """Run `main`; what is wrong with files or arguments is one line, with exit status 1."""
    try:
        main()
    except (HubError, SafetensorError, OSError) as error:
        raise SystemExit(f"octopus: {error}") from error
