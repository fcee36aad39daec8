"""The WSGI application: `gunicorn wsgi:app`."""

import os

from caesar_web.app import create_app
from caesar_web.config import load

app = create_app(load(os.environ))
