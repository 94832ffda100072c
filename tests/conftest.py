import jaxbounce

jaxbounce.enable_x64()
