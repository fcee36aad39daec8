"""The WSGI application: `gunicorn wsgi:app`."""

import os

from caesar_web import logs, reporting
from caesar_web.app import create_app
from caesar_web.config import load

config = load(os.environ)
logs.set_up(config)
reporting.begin(config)
app = create_app(config)
