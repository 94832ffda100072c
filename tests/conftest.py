import os
import tempfile

# the command keeps compiled programs in the user's cache; tests do not touch it
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="jaxbounce-tests-")

import jaxbounce

jaxbounce.enable_x64()
