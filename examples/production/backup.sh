#!/bin/sh
# Copies the database in COOEE_DATABASE into a folder, tries the copy, and keeps the last 48.
set -eu
folder=$1
copy="$folder/cooee-$(date -u +%Y-%m-%dT%H-%M-%SZ).db"

cooee backup "$copy"
COOEE_DATABASE="sqlite:///$copy" cooee conversations --limit 1 > /dev/null || {
    mv "$copy" "$copy.unusable"
    echo "The backup cannot be read: $copy.unusable" >&2
    exit 1
}

# Pictures are files beside the database, which are never changed: the new ones are copied.
pictures="${COOEE_DATABASE#sqlite:///}-media"
if [ -d "$pictures" ]; then mkdir -p "$folder/media" && cp -R -u "$pictures/." "$folder/media/"; fi

ls "$folder"/cooee-*.db | head -n -48 | xargs -r rm --
