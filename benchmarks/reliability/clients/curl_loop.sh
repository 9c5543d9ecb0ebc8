#!/usr/bin/env bash
# One run for each line of names.txt, one after the other. Started again, it skips what is in created.txt.
touch created.txt
while read -r name; do
  grep -qxF "$name" created.txt && continue
  curl --silent --show-error --fail --max-time 30 --retry 8 --retry-all-errors \
    --header "X-API-Key: $WHEROBOTS_API_KEY" --header "Content-Type: application/json" \
    --data "{\"name\": \"$name\", \"runtime\": \"tiny\", \"timeoutSeconds\": 3600,
             \"runPython\": {\"uri\": \"s3://acme/job.py\", \"args\": [\"--tile\", \"$name\"]}}" \
    "$WHEROBOTS_API_BASE_URL/runs?region=aws-us-west-2" >>responses.txt && echo "$name" >>created.txt
done <names.txt
echo "$(wc -l <created.txt) of $(wc -l <names.txt) created"
[ "$(wc -l <created.txt)" = "$(wc -l <names.txt)" ]
