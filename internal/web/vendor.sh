#!/usr/bin/env bash
# Fetches what is not ours of the page, and of its tests, from npm: pinned versions, with the checksums that were right when they were read. What it
# writes is committed, so nobody who builds or tests needs npm. Without npm's registry, or with another checksum, it changes nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

package() { # NAME VERSION SHA512: unpacks it into $work/NAME
  local archive
  archive=$(cd "$work" && npm pack --silent "$1@$2")
  echo "$3  $work/$archive" | sha512sum --check --quiet
  mkdir -p "$work/$1"
  tar -xzf "$work/$archive" -C "$work/$1" --strip-components=1
}

package @dagrejs/dagre 3.1.3 5f86944f0391799bed85a6563951ea949e76fd976164510ce3e2e1fee4785e8a1448b13aa7bd5b732ecc3c6cd89cd51c361fa78fe8bfa8942908c21d4274a6ae
package @dagrejs/graphlib 4.0.6 1e3bfb85b7e648130fe27557305b7882eb2a5961e0850174a8d4f8579287a3825ab6f77ed8be551ca1679c88d756e0e7687211cfb66e1d29e57f446e6643b058 # bundled in dagre's module: its licence alone is wanted
package axe-core 4.14.1 1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5

into=internal/web/assets/vendor
mkdir -p "$into" test/browser/axe
sed '/^\/\/# sourceMappingURL=/d' "$work/@dagrejs/dagre/dist/dagre.esm.js" > "$into/dagre.js" # the map is not shipped
cp "$work/@dagrejs/dagre/LICENSE" "$into/dagre.LICENSE.txt"
cp "$work/@dagrejs/graphlib/LICENSE" "$into/graphlib.LICENSE.txt"
cp "$work/axe-core/axe.min.js" "$work/axe-core/LICENSE" test/browser/axe/
cp "$work/axe-core/LICENSE-3RD-PARTY.txt" test/browser/axe/LICENSE-3RD-PARTY
wc -c "$into"/*.js test/browser/axe/*.js
