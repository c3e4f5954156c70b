# SPDX-License-Identifier: GPL-2.0
"""Sphinx configuration, for "make htmldocs"."""
from pathlib import Path

from pygments.formatters import HtmlFormatter

project = 'netbpf'
author = 'the netbpf maintainers'
project_copyright = author
needs_sphinx = '4.3'

# Manual pages are made by rst2man.
exclude_patterns = ['man', 'images']
# "--every" has two hyphens, not a dash.
smartquotes = False
highlight_language = 'none'
# A reference that leads nowhere is an error ("make htmldocs" takes -W).
nitpicky = True

html_theme = 'alabaster'
html_theme_options = {
    'description': 'eBPF networking programs in C',
    'fixed_sidebar': True,
    # Never wider than the window. A line of code of 100 characters fits into the body.
    'page_width': 'min(100%, 72em)',
    'body_max_width': '900px',
    'code_font_size': '0.8em',
    'sidebar_list': '#888',
    # Previous and next page, above and below the text.
    'show_relbars': True,
    'show_powered_by': False,
}
# localtoc.html: the sections of this page.
html_sidebars = {'**': ['about.html', 'localtoc.html', 'navigation.html', 'searchbox.html']}
html_static_path = ['_static']
html_css_files = ['netbpf.css', 'highlight-dark.css']
html_show_copyright = False
html_copy_source = False


def write_dark_highlight(app):
    """Colours of code for readers who prefer a dark page."""
    out = Path(app.outdir) / '_static'
    out.mkdir(parents=True, exist_ok=True)
    rules = HtmlFormatter(style='monokai').get_style_defs('.highlight')
    (out / 'highlight-dark.css').write_text(
        '@media (prefers-color-scheme: dark) {\n%s\n}\n' % rules, encoding='utf-8')


def setup(app):
    """Called by Sphinx."""
    app.connect('builder-inited', write_dark_highlight)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
