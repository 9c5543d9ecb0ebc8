"""A small sweep over regions and numbers, as the tests of the Python API submit it to a real emulator."""

__all__ = ["regional_sweep"]

_SWEEP = """\
version = 1
[run]
name    = "job-{{region}}-{{n}}"
runtime = "tiny"
region  = "aws-us-west-2"
python  = "s3://acme/jobs/x.py"
args    = ["--region", "{{region}}", "{{n}}"]
[axes]
region = REGIONS
n = { from = 1001, to = LAST }
[submit]
rate = 200
"""


def regional_sweep(regions: str, *, last: int) -> str:
    """The manifest's text, for a TOML array of regions and numbers from 1001; it ends in the table ``[submit]``."""
    return _SWEEP.replace("REGIONS", regions).replace("LAST", str(last))
