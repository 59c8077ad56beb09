Attribute VB_Name = "perfeval_buttons"
Option Explicit

' What the buttons on the sheet and the tab in the ribbon start. All the work is done in Python (perfeval_xl.buttons).

Public Sub PE_CheckForm()
    Start "check"
End Sub

Public Sub PE_Recalculate()
    Start "recalculate"
End Sub

Public Sub PE_ClearMarks()
    Start "clear_marks"
End Sub

Public Sub PE_Undo()
    Start "undo"
End Sub

Public Sub PE_InsertRow()
    Start "insert_row"
End Sub

Public Sub PE_Submit()
    Start "submit"
End Sub

Public Sub PE_Report()
    Start "report"
End Sub

' The command travels through cmd.exe: no double quotes, no percent sign, no ampersand, no caret in it.
' The version goes along because the worksheet functions need an xlwings of exactly that version; Python compares and tells.
Private Sub Start(ByVal action As String)
    RunPython "import perfeval_xl.buttons as b; b.made_with = '" & XLWINGS_VERSION & "'; b." & action & "()"
End Sub
