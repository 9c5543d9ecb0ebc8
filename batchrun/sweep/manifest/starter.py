"""The manifest that ``batchrun init`` writes."""

__all__ = ["STARTER_MANIFEST"]

STARTER_MANIFEST = """\
# A sweep: one job, many combinations of parameters.
#
#   batchrun plan   SWEEP               show what would be sent; no network, no key
#   batchrun submit SWEEP --emulator    try it against a local emulator
#   batchrun submit SWEEP               send it; run the same command again to resume after an interruption
version = 1

# What every run sends. Any string may contain {{placeholders}}: axes, fields of axes, and the vars below.
[run]
name    = "demo-{{area}}-{{month:%Y-%m}}"
runtime = "tiny"
region  = "aws-us-west-2"               # or leave it out and export WHEROBOTS_REGION
timeout = "30m"
python  = "s3://acme/jobs/demo.py"      # or a [run.jar] table with uri and main_class
args    = ["--area", "{{area}}", "--from", "{{month}}", "--to", "{{month.next}}", "--out", "{{out}}"]

[vars]
out = "s3://acme/out"

# What varies. Axes are crossed and the first varies slowest: 2 x 3 = 6 runs.
[axes]
area  = ["cascades", "sierra"]
month = { from = 2026-01-01, to = 2026-03-01, step = "1 month" }

# Points to leave out; delete this if there are none. 6 - 1 = 5 runs.
[[exclude]]
area  = "sierra"
month = 2026-02-01

# How to submit. Without a rate, batchrun finds the service's limit while submitting.
[submit]
max_points = 100
"""
