from variants.settings import *  # noqa: F403
from variants.settings import INSTALLED_APPS

# Before the example, whose page of a film it replaces.
INSTALLED_APPS = ["player", *INSTALLED_APPS]
