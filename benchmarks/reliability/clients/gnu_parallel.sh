#!/usr/bin/env bash
# Eight at a time, 20 a second. --resume skips what the joblog has; --resume-failed, at the end, repeats what failed.
here=$(dirname "$0")
again=(parallel --will-cite --jobs 8 --delay 0.05 --retries 8 --joblog jobs.log)
"${again[@]}" --resume "$here/create_one.sh" {} :::: names.txt >>responses.txt ||
  "${again[@]}" --resume-failed "$here/create_one.sh" {} :::: names.txt >>responses.txt
status=$?
echo "$(awk -F '\t' 'NR > 1 && $7 == 0 {print $NF}' jobs.log | sort -u | wc -l) of $(wc -l <names.txt) created"
exit $status
