# Makes the checkout's own Python environment, .venv; sourced by scripts/imgsearch and scripts/test.
# The caller sets `root`, the folder of the checkout. Nothing here writes to stdout or reads stdin.
# shellcheck shell=sh

: "${root:?}"
venv=$root/.venv
stamp=$venv/installed # what was installed, written last: without it, the environment is made anew

# set_up EXTRAS: make sure that the project is installed with these extras, "weights" or
# "weights,dev". Where it is, this costs a few milliseconds.
set_up() {
    wanted=$1
    key=$({ cat "$root/pyproject.toml" "$root/constraints.txt" && printf %s "$root"; } | cksum)
    is_installed && return
    mkdir -p "$venv" 2>/dev/null || give_up "cannot make $venv; copy the checkout to a folder that you may write to"
    trap 'exit 130' INT
    trap 'exit 143' TERM
    lock
    is_installed || install # another process may have done it while this one waited
    unlock
    trap - INT TERM
}

# Read the stamp into its three variables; true if it is what is wanted.
is_installed() {
    installed_key='' extras='' installed_place=''
    [ -x "$venv/bin/python" ] && [ -f "$stamp" ] || return 1
    { IFS= read -r installed_key && IFS= read -r extras && IFS= read -r installed_place; } \
        <"$stamp" || return 1
    [ "$installed_key" = "$key" ] || return 1
    case ",$extras," in *",$wanted,"*) ;; *) return 1 ;; esac
}

install() {
    # An environment does not survive a move of its checkout: its commands name their folder.
    place=$(printf %s "$root" | cksum)
    if [ "$installed_place" = "$place" ]; then # some of it is there: add what is missing
        case ",$extras," in *,dev,*) wanted=weights,dev ;; esac
        say "updating $venv"
        mv -f "$stamp" "$stamp.before"
    else
        python=$(find_python) || exit 1
        say "installing into $venv; this happens once and takes some minutes"
        find "$venv" -mindepth 1 -maxdepth 1 ! -name 'lock*' -exec rm -rf {} +
        "$python" -m venv "$venv" </dev/null >&2 ||
            give_up "$python cannot make $venv; name another Python with PYTHON=/path/to/python"
    fi
    # -qq shows errors only. PIP_USER: a user's setting that no virtual environment accepts.
    if ! PIP_USER=0 "$venv/bin/python" -m pip install -qq --disable-pip-version-check \
        -c "$root/constraints.txt" -e "${root}[$wanted]" </dev/null >&2; then
        [ ! -f "$stamp.before" ] || mv -f "$stamp.before" "$stamp"
        give_up "the installation did not succeed; the first start needs a network: check it and start again"
    fi
    rm -f "$stamp.before"
    printf '%s\n' "$key" "$wanted" "$place" >"$stamp.new"
    mv -f "$stamp.new" "$stamp"
}

# Print the first Python that will do: $PYTHON if it is set, else a name on the PATH.
find_python() {
    without_venv=''
    for candidate in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3; do
        # Names are tried by running them: version managers have names that do not work.
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
            </dev/null >/dev/null 2>&1; then
            if "$candidate" -c 'import ensurepip, venv' </dev/null >/dev/null 2>&1; then
                printf '%s\n' "$candidate"
                return
            fi
            without_venv=${without_venv:-$candidate}
        fi
        [ -z "${PYTHON:-}" ] || break
    done
    if [ -n "$without_venv" ]; then
        give_up "$without_venv has no venv module; install it (Debian and Ubuntu: apt install python3-venv)"
    fi
    if [ -n "${PYTHON:-}" ]; then
        give_up "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13; name one, or unset PYTHON"
    fi
    give_up "no Python 3.11, 3.12 or 3.13 found; install one, or name it with PYTHON=/path/to/python"
}

# One installation at a time. The lock of flock ends with its process, however that ends; where
# there is no flock (macOS), a folder is the lock, and a killed process leaves it behind.
lock() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$venv/lock"
        flock -n 9 && return
        say "waiting for another installation into $venv"
        flock 9
        return
    fi
    noted=''
    until mkdir "$venv/lock.d" 2>/dev/null; do
        [ -n "$noted" ] || say "waiting for another installation; if there is none, remove $venv/lock.d"
        noted=yes
        sleep 1
    done
    trap 'rmdir "$venv/lock.d" 2>/dev/null' EXIT
}

unlock() {
    exec 9>&-
    if [ -d "$venv/lock.d" ]; then
        rmdir "$venv/lock.d"
        trap - EXIT
    fi
}

say() {
    printf 'imgsearch: %s\n' "$1" >&2
}

give_up() {
    say "$1"
    exit 1
}
