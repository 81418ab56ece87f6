#!/usr/bin/env bash
# Installs Redmine 5 on Debian and runs it on loopback, with a database of its own: for tests and for a first try.
#   scripts/systems/redmine.sh start [PORT]   prints URL and TOKEN once it answers
#   scripts/systems/redmine.sh stop [PORT]
set -euo pipefail
dir=${CLOSEOUT_SYSTEMS_DIR:-/var/tmp/closeout-systems}/redmine
default_port=19000
. "$(dirname "$0")/common.sh"
url=http://127.0.0.1:$port
as_www=(setpriv --reuid www-data --regid www-data --init-groups env HOME=/tmp TZ=UTC RAILS_ENV=production)
as_user() { "${as_www[@]}" DATABASE_URL="sqlite3:$dir/redmine.db" "$@"; }

install() {
  dpkg -s redmine redmine-sqlite puma >/dev/null 2>&1 && return
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redmine redmine-sqlite puma >/dev/null
}

# Two projects, an agent who may make every transition of the default workflow, and custom fields.
prepare() {
  [ -f "$dir/token" ] && grep -qs 'Colour' "$dir/prepare.rb" && return # an older one had the same fields for all trackers
  rm -f "$dir"/redmine.db*
  chown www-data: "$dir" && chmod 711 "$(dirname "$dir")"
  (cd /usr/share/redmine && as_user bin/rake db:migrate >/dev/null 2>&1) || true # cannot write the schema file, after all is done
  (cd /usr/share/redmine && as_user env REDMINE_LANG=en bin/rake redmine:load_default_data >/dev/null 2>&1)
  cat >"$dir/prepare.rb" <<'RUBY'
Setting.rest_api_enabled = '1'
Setting.notified_events = []
projects = %w[Support Other].map { |name| Project.create!(name: name, identifier: name.downcase, trackers: Tracker.all) }
user = User.new(firstname: 'Close', lastname: 'Out', mail: 'agent@redmine.example', language: 'en')
user.login = 'closeout'
user.password = user.password_confirmation = SecureRandom.hex(12)
user.save!
role = Role.find_by(name: 'Manager')
projects.each { |project| Member.create!(project: project, user: user, roles: [role]) }
['Requester e-mail', 'Customer', 'Service problem', 'Type', 'Severity', 'Closeout'].each do |name|
  IssueCustomField.create!(name: name, field_format: 'string', is_for_all: true, is_filter: true, trackers: Tracker.where.not(name: 'Support'))
end
IssueCustomField.create!(name: 'Colour', field_format: 'string', is_for_all: true, trackers: Tracker.where(name: 'Support'))
puts "TOKEN #{user.api_key}"
RUBY
  (cd /usr/share/redmine && as_user bin/rails runner "$dir/prepare.rb") | sed -n 's/^TOKEN //p' >"$dir/token.new"
  keep_empty "$dir/redmine.db"
  mv "$dir/token.new" "$dir/token"
}

serve() {
  copy_empty redmine.db
  [ "$state" = "$dir" ] || chown -R www-data: "$state"
  cd /usr/share/redmine
  exec "${as_www[@]}" DATABASE_URL="sqlite3:$state/redmine.db" setsid puma -e production -b "tcp://127.0.0.1:$port" -t 1:1 --dir /usr/share/redmine
}

answers() { curl -fsS "$url/issue_statuses.json" -H "X-Redmine-API-Key: $(cat "$dir/token")"; }

main "$@"
