#!/usr/bin/env bash
# Installs Request Tracker 5 on Debian and runs it on loopback, with SQLite: for tests and for a first try.
#   scripts/systems/request-tracker.sh start [PORT]   prints URL and TOKEN once it answers
#   scripts/systems/request-tracker.sh stop [PORT]
set -euo pipefail
dir=${CLOSEOUT_SYSTEMS_DIR:-/var/tmp/closeout-systems}/request-tracker
default_port=19020
. "$(dirname "$0")/common.sh"
url=http://127.0.0.1:$port/REST/2.0
config=/etc/request-tracker5/RT_SiteConfig.d
as_user() { setpriv --reuid www-data --regid www-data --init-groups --inh-caps=-all "$@"; }
as_rt() { (cd / && as_user env RT_SITE_CONFIG_DIR="$dir/config" perl -I/usr/share/request-tracker5/lib -MRT -e "RT::LoadConfig(); RT::Init(); $1" "${@:2}" 2>/dev/null); }

install() {
  dpkg -s request-tracker5 rt5-db-sqlite rt5-standalone >/dev/null 2>&1 && return
  apt-get update -qq
  debconf-set-selections <<'DEBCONF'
request-tracker5 request-tracker5/rtname string rt.example
request-tracker5 request-tracker5/organization string rt.example
request-tracker5 request-tracker5/correspondaddress string rt@rt.example
request-tracker5 request-tracker5/commentaddress string rt-comment@rt.example
request-tracker5 request-tracker5/handle-siteconfig-permissions boolean true
request-tracker5 request-tracker5/install-cronjobs boolean false
request-tracker5 request-tracker5/initial-root-password password not-for-production
DEBCONF
  # A mail server is required; this one is a command without a daemon.
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    request-tracker5 rt5-db-sqlite rt5-standalone msmtp-mta >/dev/null
  chown root:www-data /etc/request-tracker5/RT_SiteConfig.pm
  chmod 640 /etc/request-tracker5/RT_SiteConfig.pm
}

# A configuration and a database of its own, beside those that were installed.
configure() {
  local state=$1
  mkdir -p "$state/config"
  cp "$config"/*.pm "$state/config/"
  [ -f "$state/rtdb" ] || sqlite3 /var/lib/dbconfig-common/sqlite3/request-tracker5/rtdb ".backup '$state/rtdb'"
  cat >"$state/config/95-closeout.pm" <<PERL
Set(\$DatabaseName, '$state/rtdb');
Set(\$WebPath, '');
Set(\$WebDomain, '127.0.0.1');
Set(\$WebPort, $port);
Set(\$WebBaseURL, 'http://127.0.0.1:$port');
Set(\$Timezone, 'UTC');
Set(\$MailCommand, sub { return 1 }); # no mail leaves
Set(\$BcryptCost, 4); # every request checks a hash, and 12 would take 200 ms
Set(\$LogToSyslog, '');
Set(\$LogToSTDERR, 'warning');
1;
PERL
  cat >"$state/config/96-closeout-lifecycle.pm" <<'PERL'
# Resolved is not the end: a ticket is closed from there, or opened again.
Set(%Lifecycles, support => {
  initial => [qw(new)], active => [qw(open stalled resolved)], inactive => [qw(closed rejected deleted)],
  defaults => { on_create => 'new', approved => 'open', denied => 'rejected', reminder_on_open => 'open', reminder_on_resolve => 'resolved' },
  transitions => {
    '' => [qw(new open)], new => [qw(open stalled resolved rejected deleted)], open => [qw(stalled resolved rejected deleted)],
    stalled => [qw(open resolved rejected deleted)], resolved => [qw(open closed deleted)], closed => [qw(open deleted)],
    rejected => [qw(open deleted)], deleted => [qw(open)],
  },
  rights => { '* -> deleted' => 'DeleteTicket', '* -> *' => 'ModifyTicket' },
  actions => [],
});
1;
PERL
  chown -R www-data: "$state"
}

# A queue, an agent with the rights that Closeout needs, custom fields, a token.
prepare() {
  [ -f "$dir/token" ] && return
  configure "$dir"
  as_rt '
    my $system = RT->SystemUser;
    my $queue = RT::Queue->new($system);
    $queue->Create(Name => "Support", Lifecycle => "support", CorrespondAddress => "support\@rt.example");
    $queue->Load("Support");
    for my $name ("Closeout", "Customer", "Service problem", "Type", "Severity") {
      my $field = RT::CustomField->new($system);
      $field->Create(Name => $name, Type => "Freeform", MaxValues => 1, LookupType => "RT::Queue-RT::Ticket");
      $field->AddToObject($queue);
    }
    my $user = RT::User->new($system);
    $user->Create(Name => "closeout", EmailAddress => "closeout\@rt.example", Privileged => 1, Timezone => "UTC", Lang => "en");
    $user->Load("closeout");
    $user->PrincipalObj->GrantRight(Right => $_, Object => $queue) for qw(SeeQueue ShowTicket ShowTicketComments ShowOutgoingEmail
      CreateTicket ModifyTicket ReplyToTicket CommentOnTicket SeeCustomField ModifyCustomField DeleteTicket);
    $user->PrincipalObj->GrantRight(Right => "ShowUserHistory", Object => RT->System);
    my ($id, $message, $token) = RT::AuthToken->new($system)->Create(Owner => $user->Id, Description => "closeout");
    print "TOKEN $token\n";' | sed -n 's/^TOKEN //p' >"$dir/token.new"
  keep_empty "$dir/rtdb"
  mv "$dir/token.new" "$dir/token"
}

serve() {
  copy_empty rtdb
  configure "$state"
  cd /
  exec setsid env RT_SITE_CONFIG_DIR="$state/config" setpriv --reuid www-data --regid www-data --init-groups --inh-caps=-all \
    /usr/share/request-tracker5/libexec/rt-server --host 127.0.0.1 --port "$port" --max-workers 1 --max-reqs-per-child 100000000
}

answers() { curl -fsS "$url/rt" -H "Authorization: token $(cat "$dir/token")"; }

main "$@"
