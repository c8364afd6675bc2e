netc_SOURCES = compiler/driver/main.c
