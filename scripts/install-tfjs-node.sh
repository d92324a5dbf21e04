#!/usr/bin/env bash
# npm run tfjs-node: installs the optional dependency @tensorflow/tfjs-node. The package's own
# install script downloads TensorFlow's library from a storage host that many networks cannot reach
# and that has no build for new systems; npm then removes the package. This script takes the library
# and headers from the wheel tensorflow-cpu on PyPI and compiles the add-on's two C++ files. Both
# stay in ${XDG_CACHE_HOME:-~/.cache}/fedclair, so that restoring them after the next npm ci takes
# seconds. Needs Linux with glibc, python3 with pip, g++ and npm. With --cached it downloads nothing
# and fails if something is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

tensorflow_version=2.16.2
headers_version=1.9.0
headers_sha256=6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19
cached=${1:-}
say() { echo "tfjs-node: $*" >&2; }
die() { say "$*"; exit 1; }
may_fetch() { [ "$cached" != --cached ] || die "$1 is not in the cache: run npm run tfjs-node once"; }

try() {
  TF_CPP_MIN_LOG_LEVEL=2 node -e '
    require("util").isNullOrUndefined ??= (value) => value == null; // as libs/compute does it
    const tf = require("@tensorflow/tfjs-node");
    const y = [...tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 1], [2, 1])).dataSync()];
    if (tf.getBackend() !== "tensorflow" || y.join() !== "3,7") throw new Error(`1 2 3 4 times 1 1 is not ${y}`);
    console.log(tf.backend().binding.TF_Version);'
}
if version=$(try 2> /dev/null); then
  say "runs already, on TensorFlow $version"
  exit 0
fi

[ "$(uname -s)" = Linux ] && getconf GNU_LIBC_VERSION > /dev/null 2>&1 ||
  die "this script is for Linux with glibc; elsewhere try the package's own: npm rebuild @tensorflow/tfjs-node"
machine=$(uname -m)
case $machine in
  x86_64) wheel=tensorflow_cpu sha256=c855cb6bf05d32dd5928086b03a5f6b4189b63c22b95e017703cbee4291023ca ;;
  aarch64) wheel=tensorflow sha256=8728b12bc86941d90d0a927c40d4b21f8820964a80439a7c45f850eb37d57067 ;;
  *) die "PyPI has no TensorFlow for $machine" ;;
esac

package=node_modules/@tensorflow/tfjs-node
if [ ! -f $package/package.json ]; then
  offline=()
  [ "$cached" != --cached ] || offline=(--offline)
  npm install --ignore-scripts --no-save --no-audit --no-fund --loglevel=error "${offline[@]}" >&2 ||
    die "npm could not fetch the package @tensorflow/tfjs-node: see above"
  [ -f $package/package.json ] || die "npm installed no @tensorflow/tfjs-node: is it left out by --omit=optional?"
fi
release=$(node -p "require('./$package/package.json').version")

cache=${XDG_CACHE_HOME:-$HOME/.cache}/fedclair
tensorflow=$cache/tensorflow-$tensorflow_version-$machine
addon=$cache/tfjs-node-$release-tensorflow-$tensorflow_version-$machine.node
mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Written to a temporary folder and then moved, so that an interrupted download is not taken for a
# complete one.
if [ ! -e "$tensorflow" ]; then
  may_fetch "TensorFlow's library"
  python3 -m pip --version > /dev/null 2>&1 || die "needs python3 with pip: apt-get install python3-pip"
  free=$(df -Pk "$cache" | awk 'NR == 2 { print int($4 / 1024) }')
  [ "$free" -gt 1300 ] || die "needs 1300 MB for a while, and $cache has $free: set XDG_CACHE_HOME to a folder with more"
  say "fetching TensorFlow $tensorflow_version from PyPI (220 MB)"
  echo "${wheel/_/-}==$tensorflow_version --hash=sha256:$sha256" > "$work/requirement.txt"
  python3 -m pip download --quiet --no-cache-dir --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" \
    --implementation cp --python-version 3.11 --abi cp311 --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
    -r "$work/requirement.txt" >&2 || die "pip could not fetch the wheel, or it is not the one that was pinned: see above"
  say "unpacking it (630 MB) into $tensorflow"
  python3 - "$work" << 'PYTHON' || die "the wheel holds no C++ library"
import glob, os, shutil, sys, zipfile

work = sys.argv[1]
# The C headers include files under tsl, which is a folder of TensorFlow or a package of its own.
headers = ("tensorflow/c/", "tensorflow/core/platform/ctstring", "tensorflow/tsl/", "tsl/", "xla/tsl/c/", "xla/c/")
with zipfile.ZipFile(glob.glob(f"{work}/*.whl")[0]) as wheel:
    for name in wheel.namelist():
        if name in ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"):
            to = os.path.join(work, "tensorflow/lib", os.path.basename(name))
        elif name.endswith(".h") and name.startswith(tuple(f"tensorflow/include/{header}" for header in headers)):
            to = os.path.join(work, name)
        else:
            continue
        os.makedirs(os.path.dirname(to), exist_ok=True)
        with wheel.open(name) as source, open(to, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 22)
os.stat(f"{work}/tensorflow/lib/libtensorflow_cc.so.2")
PYTHON
  mv "$work/tensorflow" "$tensorflow"
fi

# The add-on uses only Node-API, so one build serves all versions of Node.
if [ ! -e "$addon" ]; then
  may_fetch "the compiled add-on"
  command -v g++ > /dev/null || die "needs a C++ compiler: apt-get install g++"
  (cd "$work" && npm pack --silent "node-api-headers@$headers_version" > /dev/null) || die "npm could not fetch node-api-headers: see above"
  headers=$work/node-api-headers-$headers_version.tgz
  echo "$headers_sha256  $headers" | sha256sum --quiet --check || die "node-api-headers $headers_version is not the one that was pinned"
  tar -xzf "$headers" -C "$work"
  say "compiling the add-on"
  g++ -std=c++17 -O2 -fPIC -shared -w -DNAPI_VERSION=8 -I"$work/package/include" -I"$tensorflow/include" \
    $package/binding/tfjs_backend.cc $package/binding/tfjs_binding.cc "$tensorflow"/lib/*.so.2 \
    '-Wl,-rpath,$ORIGIN/../../deps/lib' -o "$work/addon.node" || die "the add-on did not compile: see above"
  mv "$work/addon.node" "$addon"
fi

rm -rf $package/deps $package/lib
mkdir -p $package/lib/napi-v8 $package/deps
cp "$addon" $package/lib/napi-v8/tfjs_binding.node
ln -s "$tensorflow/lib" $package/deps/lib
version=$(try) || die "it is in place and does not run: see above"
say "runs, on TensorFlow $version"
