"""The pages that people see: values in, HTML and its headers out. Nothing here knows HTTP.

``views`` says what each page shows, ``rendering.render`` makes it. No page needs a script, and none
loads anything from anywhere.
"""
