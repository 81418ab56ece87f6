#!/usr/bin/env bash
# Installs django-helpdesk 2.6 and runs it on loopback: for tests and for a first try.
#   scripts/systems/django-helpdesk.sh start [PORT] [WEBHOOK]   prints URL and TOKEN once it answers; WEBHOOK is called after notes
#   scripts/systems/django-helpdesk.sh stop [PORT]
set -euo pipefail
dir=${CLOSEOUT_SYSTEMS_DIR:-/var/tmp/closeout-systems}/django-helpdesk
default_port=19010
. "$(dirname "$0")/common.sh"
url=http://127.0.0.1:$port
webhook=${3:-}

install() {
  [ -x "$dir/venv/bin/django-admin" ] && return
  python3 -m venv "$dir/venv" 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null && python3 -m venv "$dir/venv"; }
  "$dir/venv/bin/pip" install -q 'django-helpdesk==2.6.*' 'setuptools<81'
}

prepare() {
  [ -f "$dir/token" ] && return
  rm -f "$dir/db.sqlite3"
  cat >"$dir/settings.py" <<'PYTHON'
import os
SECRET_KEY = "only on this machine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
SITE_ID = 1
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
HELPDESK_TEAMS_MODE_ENABLED = False
STATIC_URL = "/static/"
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
INSTALLED_APPS = ["django.contrib." + name for name in
    ("auth", "contenttypes", "sessions", "messages", "sites", "humanize", "staticfiles", "admin")]
INSTALLED_APPS += ["rest_framework", "rest_framework.authtoken", "helpdesk"]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(os.environ["STATE"], "db.sqlite3"),
    "OPTIONS": {"timeout": 20}}}
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]}
PYTHON
  cat >"$dir/urls.py" <<'PYTHON'
from django.urls import include, path
urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
PYTHON
  cat >"$dir/prepare.py" <<'PYTHON'
import django
django.setup()
from django.contrib.auth.models import User
from helpdesk.models import Queue
from rest_framework.authtoken.models import Token
user = User.objects.create_user("closeout", is_staff=True, is_superuser=True)
Queue.objects.create(title="Support", slug="support", email_address="support@helpdesk.example")
print(Token.objects.create(user=user).key)
PYTHON
  (cd "$dir" && STATE=$dir DJANGO_SETTINGS_MODULE=settings venv/bin/django-admin migrate -v0 --pythonpath "$dir")
  (cd "$dir" && STATE=$dir DJANGO_SETTINGS_MODULE=settings PYTHONPATH="$dir" venv/bin/python prepare.py) | tail -1 >"$dir/token.new"
  keep_empty "$dir/db.sqlite3"
  mv "$dir/token.new" "$dir/token"
}

serve() {
  copy_empty db.sqlite3
  cd "$dir"
  STATE=$state DJANGO_SETTINGS_MODULE=settings HELPDESK_FOLLOWUP_WEBHOOK_URLS=$webhook HELPDESK_NEW_TICKET_WEBHOOK_URLS=$webhook \
    exec setsid venv/bin/django-admin runserver --noreload --pythonpath "$dir" "127.0.0.1:$port"
}

answers() { curl -fsS "$url/api/tickets/" -H "Authorization: Token $(cat "$dir/token")"; }

main "$@"
