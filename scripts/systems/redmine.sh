#!/usr/bin/env bash
# Installs Redmine 5 on Debian and runs it on loopback, with a database of its own: for tests and for a first try.
#   scripts/systems/redmine.sh start [PORT]   prints URL and TOKEN once it answers
#   scripts/systems/redmine.sh stop
set -euo pipefail
dir=${CLOSEOUT_SYSTEMS_DIR:-/var/tmp/closeout-systems}/redmine
port=${2:-19000}
as_user() { setpriv --reuid www-data --regid www-data --init-groups env HOME=/tmp TZ=UTC RAILS_ENV=production DATABASE_URL="sqlite3:$dir/redmine.db" "$@"; }

stop() {
  [ -f "$dir/pid" ] && kill "$(cat "$dir/pid")" 2>/dev/null || true
  rm -f "$dir/pid"
}

install() {
  dpkg -s redmine redmine-sqlite puma >/dev/null 2>&1 && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma >/dev/null
}

# A project, an agent who may make every transition of the default workflow, and custom fields.
prepare() {
  [ -f "$dir/token" ] && return
  rm -f "$dir/redmine.db"
  (cd /usr/share/redmine && as_user bin/rake db:migrate >/dev/null 2>&1) || true # cannot write the schema file, after all is done
  (cd /usr/share/redmine && as_user env REDMINE_LANG=en bin/rake redmine:load_default_data >/dev/null 2>&1)
  cat >"$dir/prepare.rb" <<'RUBY'
Setting.rest_api_enabled = '1'
Setting.notified_events = []
project = Project.create!(name: 'Support', identifier: 'support')
project.trackers = Tracker.all
user = User.new(firstname: 'Close', lastname: 'Out', mail: 'agent@redmine.example', language: 'en')
user.login = 'closeout'
user.password = user.password_confirmation = SecureRandom.hex(12)
user.save!
role = Role.find_by(name: 'Manager')
Member.create!(project: project, user: user, roles: [role])
['Requester e-mail', 'Customer', 'Service problem', 'Closeout'].each do |name|
  IssueCustomField.create!(name: name, field_format: 'string', is_for_all: true, is_filter: true, trackers: Tracker.all)
end
puts "TOKEN #{user.api_key}"
RUBY
  (cd /usr/share/redmine && as_user bin/rails runner "$dir/prepare.rb") | sed -n 's/^TOKEN //p' >"$dir/token.new"
  mv "$dir/token.new" "$dir/token"
}

case "${1:-}" in
start)
  install
  mkdir -p "$dir" && chown www-data: "$dir" && chmod 711 "$(dirname "$dir")"
  stop
  prepare
  cd /usr/share/redmine
  as_user setsid puma -e production -b "tcp://127.0.0.1:$port" -t 1:1 --dir /usr/share/redmine >"$dir/log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 60); do
    curl -fsS -o /dev/null "http://127.0.0.1:$port/issue_statuses.json" -H "X-Redmine-API-Key: $(cat "$dir/token")" 2>/dev/null && break
    sleep 0.5
  done
  echo "URL=http://127.0.0.1:$port"
  echo "TOKEN=$(cat "$dir/token")"
  ;;
stop) stop ;;
*) sed -n '2,4s/^# *//p' "$0" >&2 && exit 2 ;;
esac
