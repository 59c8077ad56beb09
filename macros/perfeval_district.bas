Attribute VB_Name = "perfeval_district"
Option Explicit

' What the buttons on the sheet and the tab in the ribbon start. All the work is done in Python (perfeval_xl.district_buttons).

Private Const FolderPicker As Long = 4

' Excel on the Mac shows no such dialog: there the cell is selected, for the path to be typed.
Public Sub PE_ChooseFolder()
    Dim cell As Object
    Set cell = ThisWorkbook.Names("pe_folder").RefersToRange
#If Mac Then
    Application.Goto cell
#Else
    Dim picker As Object
    Set picker = Application.FileDialog(FolderPicker)
    If picker.Show = -1 Then cell.Value = picker.SelectedItems(1)
#End If
End Sub

' Esc must not break into the macro, which would leave Python running: Python asks for the key itself. Excel resets the setting when the
' macro ends.
Public Sub PE_Consolidate()
    Application.EnableCancelKey = xlDisabled
    RunPython "import perfeval_xl.district_buttons as b; b.consolidate()"
End Sub

' The ribbon hands over the control that was pressed; a button's own Sub takes no arguments.

Public Sub Ribbon_ChooseFolder(control As IRibbonControl)
    PE_ChooseFolder
End Sub

Public Sub Ribbon_Consolidate(control As IRibbonControl)
    PE_Consolidate
End Sub
