"""The interactive dashboard: Streamlit pages over published versions; charts and words are the report's."""
