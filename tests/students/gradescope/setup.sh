#!/usr/bin/env bash
#
# Gradescope runs this once, when the image is built: what the servers of the
# students need goes here. Pillarbox itself needs nothing.

set -euo pipefail
apt-get update
apt-get install -y --no-install-recommends python3
