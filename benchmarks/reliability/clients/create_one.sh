#!/usr/bin/env bash
# One run, for GNU parallel, which repeats what fails.
exec curl --silent --show-error --fail --max-time 30 \
  --header "X-API-Key: $WHEROBOTS_API_KEY" --header "Content-Type: application/json" \
  --data "{\"name\": \"$1\", \"runtime\": \"tiny\", \"timeoutSeconds\": 3600,
           \"runPython\": {\"uri\": \"s3://acme/job.py\", \"args\": [\"--tile\", \"$1\"]}}" \
  "$WHEROBOTS_API_BASE_URL/runs?region=aws-us-west-2"
