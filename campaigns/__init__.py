"""Patient education campaigns: the right words, in the right language, at the right hour.

Zone data is pinned here, before anything can build a zone: `zoneinfo` prefers the system's files, and many
systems still place British Columbia at UTC-8 in winter (it is UTC-7 all year since March 2026).
"""

import zoneinfo

zoneinfo.reset_tzpath(to=())
zoneinfo.ZoneInfo.clear_cache()

__version__ = "0.1.0"
