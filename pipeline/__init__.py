"""Build the M-giant catalogue offline: spectra and tables in, published products out.

May import: its own rooms only, from the top down
(``reproduction`` -> ``stages`` -> ``mock`` -> ``figures`` -> ``sources | science | products`` -> ``domain``).
It knows nothing of screens: never the explorer, Panel, HoloViews, Bokeh or param.
"""

__version__ = "0.1.0"
