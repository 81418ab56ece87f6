# Shared by the scripts of this folder, which set: dir; default_port; the functions install, prepare, serve and answers; and url.
#   start [PORT]   prints URL and TOKEN once it answers; on another port than the usual one, with an empty database of its own
#   restart [PORT]   after it was killed, with what it had
#   stop [PORT]
port=${2:-$default_port}
state=$dir
[ "$port" = "$default_port" ] || state=$dir/at-$port

stop() {
  [ -f "$dir/pid-$port" ] && kill -- "-$(cat "$dir/pid-$port")" 2>/dev/null || true
  rm -f "$dir/pid-$port"
  [ "$state" = "$dir" ] || rm -rf "$state"
}

# `start` copies it: what the installation made, with nothing in it.
keep_empty() { [ -f "$1.empty" ] || cp -p "$1" "$1.empty"; }
copy_empty() { [ -f "$state/$1" ] || { mkdir -p "$state" && cp -p "$dir/$1.empty" "$state/$1"; }; }

run() {
  serve >>"$dir/log-$port" 2>&1 </dev/null &
  echo $! >"$dir/pid-$port"
  for _ in $(seq 120); do
    answers >/dev/null 2>&1 && break
    sleep 0.5
  done
  echo "URL=$url"
  echo "TOKEN=$(cat "$dir/token")"
  echo "PID=$(cat "$dir/pid-$port")"
}

main() {
  case "${1:-}" in
  start)
    mkdir -p "$dir"
    stop
    install
    (flock 9 && prepare) 9>"$dir/lock"
    run
    ;;
  restart) run ;;
  stop) stop ;;
  *) sed -n '2,4s/^# *//p' "$0" >&2 && exit 2 ;;
  esac
}
