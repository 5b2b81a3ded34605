# Included by CMake at every project() of llama-cpp-python's build. That insists on llama.cpp's helper library for its
# command line tools, which nothing here loads and which is 40 % of the compiling; a plain variable hides its cached one.
set(LLAMA_BUILD_COMMON OFF)
